//! The server, talked to over real connections, with the built-in model behind it.

mod about;
mod client;
mod jobs;
mod refusals;
