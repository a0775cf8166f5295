"""Know how xDS messages look on the wire; generated from `protos/`, but for `codec`."""
