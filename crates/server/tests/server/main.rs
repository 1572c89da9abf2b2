//! The server, talked to over real connections, with the built-in model behind it.

mod a1111;
mod about;
mod client;
mod import;
mod jobs;
mod layout_schema;
mod openai;
mod openapi;
mod pictures;
mod refusals;
