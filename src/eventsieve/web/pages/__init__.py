"""The pages: thin functions over the client, one module each with `page(client)`."""
