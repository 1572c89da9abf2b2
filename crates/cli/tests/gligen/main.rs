//! The program `gligen`, as its users meet it.

mod adapters;
mod bad_input;
mod generate;
mod help;
mod hub;
mod interruption;
mod other_commands;
mod program;
mod runs;
