//! The server, talked to over real connections, with the built-in model behind it.

mod about;
mod client;
mod dialects;
mod jobs;
mod layout_schema;
mod refusals;
