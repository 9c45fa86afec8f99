//! CLIENT TRACKING beyond what a script can say: client ids, and limits.

use crate::{node, say};
use cache_core::{Budget, ConnId, Node, Now, Peer};

fn sent(node: &mut Node, conn: ConnId) -> String {
    let bytes = node.sendable(conn).bytes.to_vec();
    node.handle_sent(Now::default(), conn, bytes.len());
    String::from_utf8(bytes).expect("a reply in ASCII")
}

fn connect(node: &mut Node) -> ConnId {
    node.handle_connect(Now::default(), Peer::default()).expect("room")
}

#[test]
fn another_client_is_told_in_ones_place() {
    let (mut node, reader) = node(&[]);
    let (listener, writer) = (connect(&mut node), connect(&mut node));
    say(&mut node, listener, &["SUBSCRIBE", "__redis__:invalidate"]);
    let to = listener.id.to_string();
    say(&mut node, reader, &["CLIENT", "TRACKING", "ON", "REDIRECT", &to]);
    assert_eq!(say(&mut node, reader, &["CLIENT", "GETREDIR"]), Some(format!(":{to}\r\n")));
    say(&mut node, reader, &["GET", "a"]);
    say(&mut node, writer, &["SET", "a", "1"]);
    assert_eq!(sent(&mut node, reader), "");
    let message = "*3\r\n$7\r\nmessage\r\n$20\r\n__redis__:invalidate\r\n*1\r\n$1\r\na\r\n";
    assert_eq!(sent(&mut node, listener), message);

    say(&mut node, reader, &["HELLO", "3"]);
    say(&mut node, reader, &["GET", "a"]);
    node.handle_disconnect(listener);
    say(&mut node, writer, &["SET", "a", "1"]);
    let broken = format!(">2\r\n$21\r\ntracking-redir-broken\r\n:{to}\r\n");
    assert_eq!(sent(&mut node, reader), broken);
}

#[test]
fn no_more_keys_are_remembered_than_may_be() {
    let (mut node, reader) = node(&[("tracking-table-max-keys", "10")]);
    say(&mut node, reader, &["HELLO", "3"]);
    say(&mut node, reader, &["CLIENT", "TRACKING", "ON"]);
    for i in 0..100 {
        say(&mut node, reader, &["GET", &i.to_string()]);
    }
    let _ = node.run(Now::default(), Budget::default(), &mut ());
    let info = say(&mut node, reader, &["INFO", "stats"]).unwrap();
    assert!(info.contains("tracking_total_keys:10\r\n"), "{info}");
    // Each of the others was told to have changed.
    let writer = connect(&mut node);
    (0..100).for_each(|i| _ = say(&mut node, writer, &["SET", &i.to_string(), ""]));
    assert_eq!(sent(&mut node, reader).matches("invalidate").count(), 10);
}
