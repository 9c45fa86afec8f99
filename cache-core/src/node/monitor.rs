//! MONITOR: showing some clients what all clients do.

use super::commandlog::visible;
use super::cx::Cx;
use crate::observer::Observer;
use crate::protocol::display::quote;
use alloc::format;

impl<O: Observer> Cx<'_, O> {
    /// Shows the command that has run to those who monitor.
    #[cold]
    pub(super) fn show_to_monitors(&mut self) {
        let wall_us = self.now.wall_us;
        let mut line = format!("{}.{:06}", wall_us / 1_000_000, wall_us % 1_000_000);
        line.push_str(&format!(" [{} {}]", self.conn.db, self.conn.addr));
        for arg in visible(self.args, self.redacted) {
            line.push(' ');
            line.push_str(&quote(arg));
        }
        self.tell_monitors(&line);
    }

    fn tell_monitors(&mut self, line: &str) {
        for to in self.state.monitors.clone() {
            self.post().deliver(to, |out| out.simple(line));
        }
    }
}
