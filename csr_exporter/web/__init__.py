"""The HTTP surface: routes, middleware and the server beneath them."""
