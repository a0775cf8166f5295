"""Know what operators ask for over HTTP."""

from xds.admin.http import View, serve_admin

__all__ = ["View", "serve_admin"]
