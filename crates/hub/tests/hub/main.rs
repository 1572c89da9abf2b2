//! Fetching from a hub, as the programs above do it.

mod breaks;
mod cache;
mod names;
mod needed;
mod place;
mod refusals;
