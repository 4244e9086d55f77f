"""Charts on the page: records in, Plotly figures out; they know no client and no page."""
