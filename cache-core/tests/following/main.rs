//! Nodes that follow each other hold the same data, whatever becomes of the wires between them.

mod basics;
mod chaos;
mod hostile;
mod parts;
mod rules;
mod world;

use world::World;
