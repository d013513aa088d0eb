//! `drsctl`, the operators' tool: shows executions live or afterwards, and serves the DRS simulator.
mod cli;
mod commands;
mod failure;
#[cfg(test)]
mod fixture;
mod history;
mod json;
mod screen;
fn main() {}
