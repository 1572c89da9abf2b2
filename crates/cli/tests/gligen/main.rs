//! The program `gligen`, as its users meet it.

mod bad_input;
mod convert;
mod generate;
mod help;
mod interruption;
mod killed;
mod other_commands;
mod program;
mod runs;
