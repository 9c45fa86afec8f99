//! What is sent to the object for a request, and the answer that its replies make.

use super::reply::{self, Replies};
use super::{Answer, Call, Format, JSON, Shape, allowed};
use crate::auth::Access;
use cache_core::protocol::{Value, request};

/// What a command without a reply is answered with.
const NO_REPLY: &str = "ERR the command gave no reply: over HTTP it cannot wait for one";

/// A request on its way.
#[derive(Clone, Debug)]
pub struct Plan {
    shape: Shape,
    format: Format,
    /// For each command: why it was not sent, or nothing when it was.
    refused: Vec<Option<String>>,
    requests: Vec<u8>,
}

impl Call {
    /// Decides what may be done.
    ///
    /// # Errors
    /// The answer, when nothing may.
    pub fn plan(self, access: Access) -> Result<Plan, Answer> {
        let refused: Vec<Option<String>> =
            self.commands.iter().map(|c| allowed::refusal(c.args(), access)).collect();
        match (self.shape, refused.iter().flatten().next()) {
            (Shape::One, Some(reason)) => return Err(Answer::error(400, reason)),
            (Shape::Transaction, Some(reason)) => return Err(discarded(reason)),
            _ => {}
        }
        let transaction = self.shape == Shape::Transaction;
        let mut requests = Vec::new();
        if transaction {
            request::encode_into(&mut requests, ["MULTI"]);
        }
        for (command, _) in self.commands.iter().zip(&refused).filter(|(_, no)| no.is_none()) {
            request::encode_into(&mut requests, command.args().iter());
        }
        if transaction {
            request::encode_into(&mut requests, ["EXEC"]);
        }
        Ok(Plan { shape: self.shape, format: self.format, refused, requests })
    }
}

impl Plan {
    /// The commands to send, in RESP. Empty when none of a pipeline may be sent.
    pub fn requests(&self) -> &[u8] {
        &self.requests
    }

    /// Makes the answer of the replies to [`requests`](Self::requests), in RESP2.
    pub fn answer(&self, replies: &[u8]) -> Answer {
        let replies = match Replies::parse(replies) {
            Ok(replies) => replies,
            Err(error) => return Answer::error(500, &format!("ERR unreadable reply: {error}")),
        };
        match self.shape {
            Shape::Transaction => self.answer_transaction(&replies),
            Shape::One | Shape::Pipeline => self.answer_commands(replies),
        }
    }

    fn answer_commands(&self, replies: Replies<'_>) -> Answer {
        let mut replies = replies.into_iter();
        let mut body = Vec::new();
        let mut failed = false;
        for (i, refused) in self.refused.iter().enumerate() {
            let error = |text: &str| (Value::Error(text.into()), &[][..]);
            let (value, raw) = match refused {
                Some(reason) => error(reason),
                None => replies.next().unwrap_or_else(|| error(NO_REPLY)),
            };
            failed = matches!(value, Value::Error(_));
            if self.format == Format::Resp2 {
                reply::resp(&mut body, &value, raw);
            } else {
                if self.shape == Shape::Pipeline {
                    body.push(if i == 0 { b'[' } else { b',' });
                }
                reply::object(&mut body, &value, self.format);
            }
        }
        if self.shape == Shape::Pipeline && self.format != Format::Resp2 {
            body.push(b']');
        }
        let status = if failed && self.shape == Shape::One { 400 } else { 200 };
        let content_type =
            if self.format == Format::Resp2 { "application/octet-stream" } else { JSON };
        Answer { status, content_type, body }
    }

    /// The replies are OK, QUEUED or an error for each command, and what EXEC said.
    fn answer_transaction(&self, replies: &Replies<'_>) -> Answer {
        let values = || replies.iter().map(|(value, _)| value);
        let results = match values().nth(self.refused.len() + 1) {
            Some(Value::Array(results)) => results,
            Some(Value::Error(text)) => {
                let cause = values().find_map(|value| match value {
                    Value::Error(text) => Some(text),
                    _ => None,
                });
                return discarded(cause.unwrap_or(text));
            }
            _ => return discarded(NO_REPLY),
        };
        let mut body = Vec::new();
        for (i, value) in results.iter().enumerate() {
            body.push(if i == 0 { b'[' } else { b',' });
            reply::object(&mut body, value, self.format);
        }
        body.push(b']');
        Answer { status: 200, content_type: JSON, body }
    }
}

fn discarded(reason: &str) -> Answer {
    let message = format!("EXECABORT Transaction discarded because of: {reason}");
    Answer::error(400, &message)
}

#[cfg(test)]
mod tests {
    use super::super::Request;
    use super::*;

    fn plan(path: &str, body: &str, access: Access) -> Result<Plan, Answer> {
        let request = Request { method: "POST", path, body: body.as_bytes(), ..Request::default() };
        Call::read(&request).unwrap().plan(access)
    }

    fn text(answer: &Answer) -> (u16, &str) {
        (answer.status, std::str::from_utf8(&answer.body).unwrap())
    }

    #[test]
    fn one_command() {
        let plan = plan("/", r#"["GET","k"]"#, Access::Full).unwrap();
        assert_eq!(plan.requests(), b"*2\r\n$3\r\nGET\r\n$1\r\nk\r\n");
        assert_eq!(text(&plan.answer(b"$1\r\nv\r\n")), (200, r#"{"result":"v"}"#));
        assert_eq!(text(&plan.answer(b"$-1\r\n")), (200, r#"{"result":null}"#));
        assert_eq!(text(&plan.answer(b"-ERR no\r\n")), (400, r#"{"error":"ERR no"}"#));
        assert_eq!(plan.answer(b"").status, 400);
        assert_eq!(plan.answer(b"?\r\n").status, 500);
        assert_eq!(plan.answer(b"$5\r\nab").status, 500);
    }

    #[test]
    fn a_pipeline_goes_on_past_what_may_not_be_done() {
        let plan = plan("/pipeline", r#"[["PING"],["MULTI"],["GET","k"]]"#, Access::Full).unwrap();
        assert_eq!(plan.requests(), b"*1\r\n$4\r\nPING\r\n*2\r\n$3\r\nGET\r\n$1\r\nk\r\n");
        let answer = plan.answer(b"+PONG\r\n-WRONGTYPE x\r\n");
        let (status, body) = text(&answer);
        assert_eq!(status, 200);
        assert!(body.starts_with(r#"[{"result":"PONG"},{"error":"ERR MULTI is not"#), "{body}");
        assert!(body.ends_with(r#"},{"error":"WRONGTYPE x"}]"#), "{body}");
    }

    #[test]
    fn a_transaction_is_whole_or_not_at_all() {
        let two = r#"[["SET","k","v"],["INCR","k"]]"#;
        let plan = plan("/multi-exec", two, Access::Full).unwrap();
        assert!(plan.requests().starts_with(b"*1\r\n$5\r\nMULTI\r\n*3"));
        assert!(plan.requests().ends_with(b"*1\r\n$4\r\nEXEC\r\n"));
        let done = plan.answer(b"+OK\r\n+QUEUED\r\n+QUEUED\r\n*2\r\n+OK\r\n-ERR no\r\n");
        assert_eq!(text(&done), (200, r#"[{"result":"OK"},{"error":"ERR no"}]"#));
        let aborted = plan.answer(b"+OK\r\n+QUEUED\r\n-ERR bad\r\n-EXECABORT x\r\n");
        let error = r#"{"error":"EXECABORT Transaction discarded because of: ERR bad"}"#;
        assert_eq!(text(&aborted), (400, error));
        assert_eq!(plan.answer(b"+OK\r\n").status, 400);
        let refused = super::tests::plan("/multi-exec", two, Access::ReadOnly).unwrap_err();
        assert!(text(&refused).1.contains("EXECABORT Transaction discarded because of: NOPERM"));
    }

    #[test]
    fn resp2_is_passed_on() {
        let body = r#"[["GET","k"],["MULTI"]]"#;
        let request = Request {
            method: "POST",
            path: "/pipeline",
            format: Some("resp2"),
            body: body.as_bytes(),
            ..Request::default()
        };
        let plan = Call::read(&request).unwrap().plan(Access::Full).unwrap();
        let answer = plan.answer(b"$2\r\n\xff\x00\r\n");
        assert_eq!(answer.content_type, "application/octet-stream");
        assert!(answer.body.starts_with(b"$2\r\n\xff\x00\r\n-ERR MULTI is not available"));
    }
}
