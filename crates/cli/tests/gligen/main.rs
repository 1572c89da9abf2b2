//! The program `gligen`, as its users meet it.

mod bad_input;
mod generate;
mod help;
mod interruption;
mod other_commands;
mod program;
mod runs;
mod serve;
