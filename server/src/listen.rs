//! Listening sockets, from `bind` and a port.
//!
//! What must never be here: accepting from them.

use socket2::{Domain, Protocol, Socket, Type};
use std::fmt;
use std::io;
use std::net::{SocketAddr, TcpListener, ToSocketAddrs};

/// Opens a listening socket on each address of `bind`, not blocking.
///
/// An address that begins with `-` is passed over where the machine doesn't have it. `port_option`
/// is the name of the directive that gave the port, for errors.
///
/// # Errors
/// An address that can't be had, or none at all.
pub(crate) fn open(
    bind: &str,
    port_option: &'static str,
    port: u16,
    backlog: i32,
) -> Result<Vec<TcpListener>, ListenError> {
    let mut listeners = Vec::new();
    let mut missing = None;
    for word in bind.split_whitespace() {
        let (host, optional) = match word.strip_prefix('-') {
            Some(host) => (host, true),
            None => (word, false),
        };
        match resolve(host, port).and_then(|addr| listen(addr, backlog)) {
            Ok(listener) => listeners.push(listener),
            Err(error) => {
                let error = ListenError { host: host.to_string(), port_option, port, error };
                if !optional || !is_missing(&error.error) {
                    return Err(error);
                }
                missing = Some(error);
            }
        }
    }
    match missing {
        Some(error) if listeners.is_empty() => Err(error),
        _ if listeners.is_empty() => Err(ListenError {
            host: bind.to_string(),
            port_option,
            port,
            error: io::Error::new(io::ErrorKind::InvalidInput, "no address to listen on"),
        }),
        _ => Ok(listeners),
    }
}

fn resolve(host: &str, port: u16) -> io::Result<SocketAddr> {
    let host = match host {
        "*" => "0.0.0.0",
        "::*" => "::",
        host => host,
    };
    let no_address = || io::Error::new(io::ErrorKind::NotFound, "the name has no address");
    (host, port).to_socket_addrs()?.next().ok_or_else(no_address)
}

fn listen(addr: SocketAddr, backlog: i32) -> io::Result<TcpListener> {
    let socket = Socket::new(Domain::for_address(addr), Type::STREAM, Some(Protocol::TCP))?;
    if addr.is_ipv6() {
        // `bind * ::*` asks for both families, each by its own socket.
        socket.set_only_v6(true)?;
    }
    socket.set_reuse_address(true)?;
    socket.bind(&addr.into())?;
    socket.listen(backlog)?;
    socket.set_nonblocking(true)?;
    Ok(socket.into())
}

/// Whether an error means that the machine doesn't have such an address, or its whole family.
fn is_missing(error: &io::Error) -> bool {
    const FAMILY: [i32; 5] = [
        libc::EAFNOSUPPORT,
        libc::EPFNOSUPPORT,
        libc::EPROTONOSUPPORT,
        libc::ESOCKTNOSUPPORT,
        libc::ENOPROTOOPT,
    ];
    error.kind() == io::ErrorKind::AddrNotAvailable
        || error.raw_os_error().is_some_and(|code| FAMILY.contains(&code))
}

/// An address that can't be listened on.
#[derive(Debug)]
pub(crate) struct ListenError {
    host: String,
    port_option: &'static str,
    port: u16,
    error: io::Error,
}

impl fmt::Display for ListenError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let ListenError { host, port_option, port, error } = self;
        write!(f, "cannot listen with bind {host} and {port_option} {port}: {error}")?;
        match error.kind() {
            io::ErrorKind::AddrInUse => {
                write!(f, "; end what has the port, or choose another by --{port_option}")
            }
            io::ErrorKind::PermissionDenied => {
                write!(f, "; choose a port above 1023 by --{port_option}")
            }
            io::ErrorKind::AddrNotAvailable => {
                write!(f, "; this machine has no such address: correct --bind")
            }
            io::ErrorKind::InvalidInput if host.is_empty() => {
                write!(f, "; name one by --bind, or set {port_option} to 0")
            }
            _ => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A free port of the loopback address.
    fn free_port() -> u16 {
        TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port()
    }

    #[test]
    fn a_taken_port_is_named() {
        let taken = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = taken.local_addr().unwrap().port();
        let error = open("127.0.0.1", "port", port, 16).unwrap_err().to_string();
        assert!(error.contains(&format!("bind 127.0.0.1 and port {port}")), "{error}");
        assert!(error.contains("--port"), "{error}");
    }

    #[test]
    fn only_optional_addresses_may_be_missing() {
        // 192.0.2.0/24 is kept for documentation (RFC 5737): no machine has it.
        let port = free_port();
        assert_eq!(open("127.0.0.1 -192.0.2.1", "port", port, 16).unwrap().len(), 1);
        assert!(open("127.0.0.1 192.0.2.1", "port", free_port(), 16).is_err());
        assert!(open("-192.0.2.1", "port", port, 16).is_err());
        assert!(open("", "port", port, 16).unwrap_err().to_string().contains("--bind"));
    }
}
