//! Child processes: each in a process group of its own, all ended when we are told to end.
//!
//! A terminal's Ctrl-C reaches only us, since children are not in its foreground group; we pass it
//! on. What a child leaves running when it ends (a browser whose driver crashed) becomes our child,
//! because we are a subreaper, and `end_strays` ends it.

use std::fs::{self, File};
use std::io::{Read, Seek, SeekFrom};
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use rustix::process::{Pid, Signal, WaitOptions};
use signal_hook::consts::{SIGHUP, SIGINT, SIGTERM};
use signal_hook::iterator::Signals;

/// How long a child that was asked to end may take.
const GRACE: Duration = Duration::from_secs(5);
/// How often a child that we wait for is looked at.
const LOOK: Duration = Duration::from_millis(10);

/// Groups of children that run now.
static GROUPS: Mutex<Vec<Pid>> = Mutex::new(Vec::new());
/// Whether we were told to end.
static INTERRUPTED: AtomicBool = AtomicBool::new(false);

/// To be called once, first: from then on a signal ends the children, and then us.
pub(crate) fn watch_signals() -> Result<()> {
    rustix::process::set_child_subreaper(Some(rustix::process::getpid()))
        .context("cannot become a subreaper")?;
    let mut signals = Signals::new([SIGINT, SIGTERM, SIGHUP]).context("cannot watch signals")?;
    thread::spawn(move || {
        for _ in signals.forever() {
            // A second Ctrl-C means at once.
            let again = INTERRUPTED.swap(true, Ordering::SeqCst);
            signal_all(if again { Signal::KILL } else { Signal::TERM });
            thread::spawn(|| {
                thread::sleep(GRACE);
                signal_all(Signal::KILL);
            });
        }
    });
    Ok(())
}

/// Whether we were told to end.
pub(crate) fn interrupted() -> bool {
    INTERRUPTED.load(Ordering::SeqCst)
}

/// Fails when we were told to end.
pub(crate) fn check_interrupted() -> Result<()> {
    if interrupted() { bail!("interrupted") } else { Ok(()) }
}

/// A running child. Dropping it ends its whole group.
pub(crate) struct Running {
    child: Child,
    group: Pid,
    what: String,
    ended: bool,
}

impl Running {
    /// Starts the command in a group of its own.
    pub(crate) fn start(command: &mut Command) -> Result<Self> {
        check_interrupted()?;
        let what = describe(command);
        let child =
            command.process_group(0).spawn().with_context(|| format!("cannot start `{what}`"))?;
        let group = Pid::from_child(&child);
        groups(|all| all.push(group));
        Ok(Self { child, group, what, ended: false })
    }

    /// Its process id.
    pub(crate) fn id(&self) -> u32 {
        self.child.id()
    }

    /// Whether it has ended by itself.
    pub(crate) fn has_ended(&mut self) -> bool {
        self.ended |= matches!(self.child.try_wait(), Ok(Some(_)));
        self.ended
    }

    /// Asks it, and not its group, to end, and waits.
    pub(crate) fn end(&mut self, limit: Duration) -> Result<ExitStatus> {
        rustix::process::kill_process(self.group, Signal::TERM).context("it has ended already")?;
        self.wait(Some(limit), |_| {})
    }

    /// Ends it at once, as a machine does that stops.
    pub(crate) fn kill(&mut self) -> Result<()> {
        send(self.group, Signal::KILL);
        self.wait(Some(GRACE), |_| {})?;
        Ok(())
    }

    /// Waits for it to end, at most so long; `tick` is called now and then.
    pub(crate) fn wait(
        &mut self,
        limit: Option<Duration>,
        mut tick: impl FnMut(Duration),
    ) -> Result<ExitStatus> {
        let start = Instant::now();
        loop {
            if let Some(status) = self.child.try_wait()? {
                self.ended = true;
                check_interrupted()?;
                return Ok(status);
            }
            if limit.is_some_and(|limit| start.elapsed() > limit) {
                bail!("`{}` took longer than {} s", self.what, start.elapsed().as_secs());
            }
            tick(start.elapsed());
            thread::sleep(LOOK);
        }
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        // The group may outlive the child that led it.
        if !self.ended {
            send(self.group, Signal::TERM);
            let start = Instant::now();
            while start.elapsed() < GRACE && matches!(self.child.try_wait(), Ok(None)) {
                thread::sleep(LOOK);
            }
        }
        send(self.group, Signal::KILL);
        // The error would say that it was waited for already.
        let _ = self.child.wait();
        groups(|all| all.retain(|g| *g != self.group));
    }
}

/// Runs a command that speaks to our own terminal.
pub(crate) fn run(command: &mut Command) -> Result<()> {
    let status = Running::start(command.stdin(Stdio::null()))?.wait(None, |_| {})?;
    succeeded(command, status)
}

/// Runs a command and gives what it said on standard output.
pub(crate) fn output(command: &mut Command) -> Result<String> {
    check_interrupted()?;
    let out = command
        .stdin(Stdio::null())
        .output()
        .with_context(|| format!("cannot start `{}`", describe(command)))?;
    if !out.status.success() {
        let said = String::from_utf8_lossy(&out.stderr);
        bail!("`{}` failed, {}: {}", describe(command), out.status, said.trim());
    }
    Ok(String::from_utf8_lossy(&out.stdout).into_owned())
}

/// Runs a command whose whole output goes to the end of `log`. `tick` is handed the time gone by
/// and the last line said so far.
pub(crate) fn run_logged(
    command: &mut Command,
    log: &Path,
    limit: Duration,
    mut tick: impl FnMut(Duration, &dyn Fn() -> String),
) -> Result<()> {
    let to = File::options()
        .append(true)
        .create(true)
        .open(log)
        .with_context(|| format!("cannot write {}", log.display()))?;
    command.stdin(Stdio::null()).stdout(to.try_clone()?).stderr(to);
    let mut child = Running::start(command)?;
    let status = child.wait(Some(limit), |gone| tick(gone, &|| last_line(log)))?;
    succeeded(command, status)
}

fn succeeded(command: &Command, status: ExitStatus) -> Result<()> {
    if status.success() { Ok(()) } else { bail!("`{}` failed, {status}", describe(command)) }
}

/// The command as one would type it, its program without directories.
pub(crate) fn describe(command: &Command) -> String {
    let program = Path::new(command.get_program());
    let name = program.file_name().unwrap_or(program.as_os_str());
    std::iter::once(name)
        .chain(command.get_args())
        .map(|word| word.to_string_lossy())
        .collect::<Vec<_>>()
        .join(" ")
}

/// The last line of a log that isn't empty.
pub(crate) fn last_line(log: &Path) -> String {
    const TAIL: i64 = 2000;
    let tail = || -> std::io::Result<Vec<u8>> {
        let mut file = File::open(log)?;
        if file.seek(SeekFrom::End(-TAIL)).is_err() {
            file.rewind()?;
        }
        let mut bytes = Vec::new();
        file.read_to_end(&mut bytes)?;
        Ok(bytes)
    };
    let bytes = tail().unwrap_or_default();
    let text = String::from_utf8_lossy(&bytes);
    text.lines().rev().map(str::trim).find(|l| !l.is_empty()).unwrap_or_default().to_owned()
}

/// Ends every child that isn't one of ours: what a test left behind. Gives their names.
pub(crate) fn end_strays() -> Vec<String> {
    let mut ended = Vec::new();
    // Ending one hands us its own children, so look again; the bound is on depth.
    for _ in 0..8 {
        let ours = groups(|all| all.clone());
        let strays: Vec<_> =
            children().into_iter().filter(|(pid, _)| !ours.contains(pid)).collect();
        if strays.is_empty() {
            break;
        }
        for (pid, name) in strays {
            // Either may fail when it is ending by itself, which is as good.
            let _ = rustix::process::kill_process(pid, Signal::KILL);
            let _ = rustix::process::waitpid(Some(pid), WaitOptions::empty());
            ended.push(name);
        }
    }
    ended
}

/// Our children that run, as the kernel knows them, with their names. Adopted ones that have ended
/// are waited for: nobody else would.
fn children() -> Vec<(Pid, String)> {
    let me = rustix::process::getpid().as_raw_nonzero().get();
    let Ok(entries) = fs::read_dir("/proc") else { return Vec::new() };
    entries
        .flatten()
        .filter_map(|entry| {
            let pid = Pid::from_raw(entry.file_name().to_str()?.parse().ok()?)?;
            let stat = fs::read_to_string(entry.path().join("stat")).ok()?;
            // "pid (name) state parent ...", and the name may hold anything.
            let (head, tail) = stat.rsplit_once(") ")?;
            let mut fields = tail.split(' ');
            let state = fields.next()?;
            let parent = fields.next()?.parse::<i32>().ok()?;
            if parent == me && state == "Z" {
                // Ours that have ended are waited for where they were started.
                if !groups(|all| all.contains(&pid)) {
                    let _ = rustix::process::waitpid(Some(pid), WaitOptions::NOHANG);
                }
                return None;
            }
            (parent == me).then(|| (pid, head.split_once('(').map_or(head, |h| h.1).to_owned()))
        })
        .collect()
}

fn signal_all(signal: Signal) {
    for group in groups(|all| all.clone()) {
        send(group, signal);
    }
}

fn send(group: Pid, signal: Signal) {
    // It fails when the group has ended, which is what we want.
    let _ = rustix::process::kill_process_group(group, signal);
}

fn groups<T>(f: impl FnOnce(&mut Vec<Pid>) -> T) -> T {
    f(&mut GROUPS.lock().unwrap_or_else(std::sync::PoisonError::into_inner))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shell(script: &str) -> Command {
        let mut command = Command::new("sh");
        command.args(["-c", script]);
        command
    }

    #[test]
    fn what_takes_too_long_is_ended_with_its_children_and_what_it_left_behind() {
        rustix::process::set_child_subreaper(Some(rustix::process::getpid())).unwrap();
        let log = std::env::temp_dir().join(format!("xtask-proc-{}", std::process::id()));
        // One child in its group, one that has left it.
        let mut command = shell("sleep 61 & setsid -f sleep 62; echo begun; wait");
        let start = Instant::now();
        let done = run_logged(&mut command, &log, Duration::from_millis(300), |_, _| {});
        assert!(done.unwrap_err().to_string().contains("took longer"));
        assert!(start.elapsed() < GRACE, "the group ended when it was asked to");
        assert_eq!(last_line(&log), "begun");
        assert!(end_strays().contains(&"sleep".to_owned()));
        assert!(children().is_empty());
        fs::remove_file(log).unwrap();
    }

    #[test]
    fn a_failure_names_the_command() {
        let error = output(&mut shell("echo no such luck >&2; exit 3")).unwrap_err().to_string();
        assert!(error.contains("`sh -c") && error.contains("no such luck"), "{error}");
    }
}
