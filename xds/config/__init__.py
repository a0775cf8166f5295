"""Know the router's `config.yaml` and our settings: text in, a `Gateway` or every error out."""
