"""agroal-top: the dashboard, over the management socket."""
