"""The web client: Streamlit pages over `eventsieve.client`, which is all they know of a server."""
