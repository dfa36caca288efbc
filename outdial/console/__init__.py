"""The console: pages for people, rendered by the API process at /console.

Its routes call the services that the API's routes call, and never the API itself. Pages are
readable without JavaScript; with it, what changes is refreshed by htmx.
"""
