"""Know the xDS conversation as requests in and responses out, and nothing of how they travel.

https://www.envoyproxy.io/docs/envoy/latest/api-docs/xds_protocol
"""
