//! The HTTP server, asked by the real Python client of the Kimina server and by plain requests.

mod answers;
mod client;
mod limits;
mod server;
