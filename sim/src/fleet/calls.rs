//! What befalls machines: connections are asked for, processes end and start, faults come and go.
//!
//! What must never be here: when.

use super::client::Line;
use super::disk::{Ailment, Loss};
use super::network::{Machine, WireId};
use super::plan::Keeps;
use super::record::Note;
use super::world::{Call, Step};
use super::{Fault, Fleet};

/// Who is asked for a connection and can't be reached is asked again after this, in microseconds.
const KNOCK_US: u64 = 300_000;
/// And so long, by nodes and by clients.
const KNOCKS_US: [u64; 2] = [5_000_000, 1_500_000];

/// What `appendfsync everysec` may lose at the most, in microseconds.
const EVERY_SECOND_US: u64 = 2_000_000;
/// A process that has ended by itself is started again after this, in microseconds.
const SUPERVISOR_US: u64 = 1_000_000;

impl Fleet {
    pub(super) fn call(&mut self, from: Machine, to: Machine, dial: u32) {
        let since_us = self.world.now_us;
        let call = Call { from, to, boot: self.boot_of(from), dial, since_us };
        let transit_us = self.network.transit_us(from, to);
        self.world.plan_in(transit_us, Step::Knock(call));
    }

    /// A machine is asked for a connection.
    pub(super) fn knock(&mut self, call: Call) {
        let Call { from, to, since_us, .. } = call;
        let is_there = self.hosts.get(to as usize).is_some_and(|host| host.has_power);
        if !is_there || self.network.is_walled(from, to) || self.network.is_walled(to, from) {
            let patience_us = KNOCKS_US[usize::from(from >= self.plan.nodes)];
            if self.world.now_us < since_us + patience_us {
                return self.world.plan_in(KNOCK_US, Step::Knock(call));
            }
            return self.world.plan_in(0, Step::Answer(call, Err("Connection timed out")));
        }
        let wire = self.network.open(from, to);
        let accepted = self.hosts[to as usize].accept(&self.world, wire, from);
        let outcome = if accepted {
            Ok(wire)
        } else {
            self.network.vanish(wire, 0);
            self.network.vanish(wire, 1);
            Err("Connection refused")
        };
        let transit_us = self.network.transit_us(to, from);
        self.world.plan_in(transit_us, Step::Answer(call, outcome));
    }

    /// Who asked for a connection hears what became of it.
    pub(super) fn answer(&mut self, call: Call, outcome: Result<WireId, &'static str>) {
        let Call { from, to, boot, dial, .. } = call;
        self.world.tell(&match outcome {
            Ok(wire) => Note::Connected { wire, from, to },
            Err(why) => Note::Refused { from, to, why },
        });
        let wanted = if from >= self.plan.nodes {
            let to_boot = self.boot_of(to);
            let client = self.client(from);
            let wanted = client.line == Line::Dialing(to) && client.dial == dial;
            if wanted {
                client.line = outcome.map_or(Line::Idle, |wire| Line::Open(to, wire));
                client.boot = to_boot;
            }
            wanted
        } else {
            let Fleet { world, hosts, .. } = self;
            hosts[from as usize].dialed(world, (boot, dial), outcome)
        };
        if let (false, Ok(wire)) = (wanted, outcome) {
            self.network.close(&mut self.world, wire, 0);
        }
    }

    /// A node's process ends.
    pub(super) fn stop(&mut self, machine: Machine, loss: Option<Loss>) {
        self.note_ailments();
        if machine == 0 && self.hosts[0].process.is_some() {
            self.primary_lost();
        }
        let Fleet { world, network, hosts, .. } = self;
        if hosts[machine as usize].process.is_none() {
            return;
        }
        hosts[machine as usize].stop(world, network, loss);
    }

    /// The primary's process has ended: what of its data must be there when it is back.
    fn primary_lost(&mut self) {
        let host = &self.hosts[0];
        let kept_us = match self.plan.keeps {
            Keeps::Nothing => 0,
            Keeps::Snapshots => host.saved_us,
            // While the disk can't keep up, what can't be synced may be lost.
            Keeps::EverySecond => {
                let fails_us = host.ailing_since_us.unwrap_or(self.world.now_us);
                fails_us.saturating_sub(EVERY_SECOND_US)
            }
            // Nothing that was acknowledged is ever lost: the age goes on.
            Keeps::Always => return,
        };
        self.history.end_age(kept_us);
    }

    /// A node's process has ended by itself: its supervisor starts another.
    pub(super) fn end(&mut self, machine: Machine) {
        self.stop(machine, None);
        let boot = self.boot_of(machine);
        self.world.plan_in(SUPERVISOR_US, Step::Up { host: machine, boot });
    }

    /// A node says that it can't go on. While its disk fails, that is right; when its machine has lost
    /// power and wrote in no order, or after a sync had failed, a person has to help; otherwise its files
    /// must be whole.
    pub(super) fn halted(&mut self, machine: Machine, line: &str) {
        self.note_ailments();
        let host = &mut self.hosts[machine as usize];
        let is_repaired = host.repair();
        if host.ailing_since_us.is_none() && !is_repaired {
            self.wrong.get_or_insert(format!("node {machine} can't start: {line}"));
        }
    }

    /// Notes since when disks have failed or been slow.
    fn note_ailments(&mut self) {
        for host in &mut self.hosts {
            let Ailment { is_full, is_broken, slower, .. } = host.disk.ailment;
            if is_full || is_broken || slower > 0 || host.disk.is_doubtful() {
                host.ailing_since_us.get_or_insert(self.world.now_us);
            } else {
                host.ailing_since_us = None;
            }
        }
    }

    /// A machine starts its node, unless it has been started since.
    pub(super) fn start(&mut self, machine: Machine, boot: u32) {
        let Fleet { world, network, hosts, .. } = self;
        let host = &mut hosts[machine as usize];
        if host.boot == boot && host.process.is_none() {
            host.start(world);
            network.disown(world, machine);
        }
    }

    /// The next fault comes.
    pub(super) fn next_fault(&mut self) {
        if !self.is_loaded {
            return;
        }
        let machines = (self.hosts.len() + self.clients.len()) as u32;
        let (fault, lasts_us) = self.faults.draw(&self.plan, machines);
        self.world.tell(&Note::Fault { what: format!("{fault:?} for {lasts_us} us") });
        self.befall(&fault, lasts_us);
        let number = self.faults.add(fault);
        self.world.plan_in(lasts_us, Step::Relief(number));
        let pause_us = self.faults.pause_us(&self.plan);
        self.world.plan_in(pause_us, Step::Fault);
    }

    fn befall(&mut self, fault: &Fault, lasts_us: u64) {
        match *fault {
            Fault::Cut { any } => {
                let count = self.network.wires().count() as u64;
                let at = any.checked_rem(count).unwrap_or(0) as usize;
                let found = self.network.wires().nth(at).map(|(wire, _)| wire);
                if let Some(wire) = found {
                    self.network.break_wire(&mut self.world, wire);
                }
            }
            Fault::Partition { ref of, there, back } => {
                for (from, to) in self.across(of, there, back) {
                    self.network.wall(from, to);
                }
            }
            Fault::Slow { of, by_us } => self.slow(of, by_us),
            Fault::Kill { node } => self.stop(node, None),
            Fault::PowerCut { node, loss } => self.stop(node, Some(loss)),
            Fault::Freeze { node, for_us } => {
                let Fleet { world, hosts, .. } = self;
                hosts[node as usize].freeze(world, for_us.min(lasts_us));
            }
            Fault::Clock { node, skew_us } => self.hosts[node as usize].set_clock(skew_us),
            Fault::SlowDisk { node, times } => {
                self.hosts[node as usize].disk.ailment.slower = times;
            }
            Fault::FullDisk { node } => self.hosts[node as usize].disk.ailment.is_full = true,
            Fault::BrokenDisk { node } => self.hosts[node as usize].disk.ailment.is_broken = true,
        }
        self.note_ailments();
    }

    /// A fault ends.
    pub(super) fn relieve(&mut self, number: u64) {
        let Some(fault) = self.faults.remove(number) else { return };
        self.world.tell(&Note::Relief { what: format!("{fault:?}") });
        match fault {
            Fault::Cut { .. } | Fault::Freeze { .. } | Fault::Clock { .. } => {}
            Fault::Partition { of, there, back } => {
                for (from, to) in self.across(&of, there, back) {
                    self.network.unwall(&mut self.world, from, to);
                }
            }
            Fault::Slow { of, .. } => self.slow(of, 0),
            Fault::Kill { node } | Fault::PowerCut { node, .. } => {
                let boot = self.boot_of(node);
                self.start(node, boot);
            }
            Fault::SlowDisk { node, .. } => self.hosts[node as usize].disk.ailment.slower = 0,
            Fault::FullDisk { node } => {
                let lasts = self.faults.lasts(|f| *f == Fault::FullDisk { node });
                self.hosts[node as usize].disk.ailment.is_full = lasts;
            }
            Fault::BrokenDisk { node } => {
                let lasts = self.faults.lasts(|f| *f == Fault::BrokenDisk { node });
                self.hosts[node as usize].disk.ailment.is_broken = lasts;
            }
        }
        self.note_ailments();
    }

    /// All that last end at once.
    pub(super) fn heal(&mut self) {
        while let Some(&(number, _)) = self.faults.active.first() {
            self.relieve(number);
        }
        for machine in 0..self.plan.nodes {
            let boot = self.boot_of(machine);
            self.start(machine, boot);
        }
        debug_assert!(self.network.is_healed());
    }

    /// The pairs of machines between which a partition stands.
    fn across(&self, of: &[Machine], there: bool, back: bool) -> Vec<(Machine, Machine)> {
        let machines = (self.hosts.len() + self.clients.len()) as u32;
        let mut pairs = Vec::new();
        for &from in of {
            for to in (0..machines).filter(|to| !of.contains(to)) {
                pairs.extend(there.then_some((from, to)));
                pairs.extend(back.then_some((to, from)));
            }
        }
        pairs
    }

    fn slow(&mut self, of: Machine, by_us: u64) {
        for other in 0..(self.hosts.len() + self.clients.len()) as u32 {
            self.network.delay(of, other, by_us);
            self.network.delay(other, of, by_us);
        }
    }
}
