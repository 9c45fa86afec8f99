//! Disks by themselves, and whole runs.

mod disk;
mod runs;
