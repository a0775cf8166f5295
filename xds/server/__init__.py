"""Know gRPC: carry the conversation of `xds.protocol` to the clients of a `SnapshotStore`."""
