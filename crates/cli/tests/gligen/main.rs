//! The program `gligen`, as its users meet it.

mod adapters;
mod bad_input;
mod colour;
mod convert;
mod generate;
mod help;
mod hub;
mod interruption;
mod killed;
mod layout;
mod lines;
mod other_commands;
mod program;
mod runs;
mod serve;
