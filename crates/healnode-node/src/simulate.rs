//! `healnode simulate`: one error that did not happen, sent the whole way, so that a team sees what would become of a real one.
//!
//! It says in its type, its message, a tag and its environment that it is a drill, so that nobody takes it for a failure and it is never
//! counted with one. Where no node answers it is not sent: a drill that is filed next week would be a false alarm.

use std::fmt;
use std::str::FromStr;

use healnode_report::{RawError, Severity};
use serde_json::Value;

use crate::client::{Client, ClientError};
use crate::config::Config;
use crate::deliver::{self, DeliverError, Delivered};

/// Name of the tag and of the environment that mark a drill.
const MARK: &str = "drill";

/// What may be simulated.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Drill {
    /// A panic in Rust.
    Panic,
    /// An exception in Python.
    Python,
    /// An exception in Node.js.
    Node,
    /// An exception in Java, with its cause.
    Java,
    /// A process that the system killed for want of memory.
    Oom,
    /// A crash in C.
    Segfault,
    /// A call that was not answered in time.
    Timeout,
    /// A service that answers with an error.
    Http,
}

impl Drill {
    /// Every drill.
    pub const ALL: [Drill; 8] =
        [Drill::Panic, Drill::Python, Drill::Node, Drill::Java, Drill::Oom, Drill::Segfault, Drill::Timeout, Drill::Http];

    /// The name that `Display` writes and `FromStr` reads.
    pub fn as_str(self) -> &'static str {
        match self {
            Drill::Panic => "panic",
            Drill::Python => "python",
            Drill::Node => "node",
            Drill::Java => "java",
            Drill::Oom => "oom",
            Drill::Segfault => "segfault",
            Drill::Timeout => "timeout",
            Drill::Http => "http",
        }
    }

    fn script(self) -> Script {
        match self {
            Drill::Panic => PANIC,
            Drill::Python => PYTHON,
            Drill::Node => NODE,
            Drill::Java => JAVA,
            Drill::Oom => OOM,
            Drill::Segfault => SEGFAULT,
            Drill::Timeout => TIMEOUT,
            Drill::Http => HTTP,
        }
    }

    fn raw(self) -> RawError {
        let script = self.script();
        let mut raw = RawError::new(format!("Drill: {}", script.error_type), format!("only a drill, nothing failed: {}", script.message));
        raw.stack = Some(script.stack.to_owned()).filter(|stack| !stack.is_empty());
        raw.logs = script.logs.iter().map(|line| (*line).to_owned()).collect();
        raw.command = vec!["healnode".to_owned(), "simulate".to_owned(), self.as_str().to_owned()];
        raw.severity = Some(Severity::Critical);
        raw.environment = Some(MARK.to_owned());
        raw.tags.insert(MARK.to_owned(), "true".to_owned());
        raw
    }
}

impl fmt::Display for Drill {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

impl FromStr for Drill {
    type Err = DrillFormatError;

    fn from_str(text: &str) -> Result<Drill, DrillFormatError> {
        Drill::ALL.into_iter().find(|drill| drill.as_str() == text).ok_or(DrillFormatError)
    }
}

/// The text names no drill.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
#[error("expected one of panic, python, node, java, oom, segfault, timeout, http")]
pub struct DrillFormatError;

/// What became of a drill.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Simulated {
    /// How it was counted.
    pub delivered: Delivered,
    /// Under which type, for it is what the issue is called.
    pub error_type: String,
    /// Whether the node files issues, or only counts.
    pub files_issues: bool,
}

/// Why there was no drill. Nothing was kept.
#[derive(Debug, thiserror::Error)]
pub enum SimulateError {
    /// No node took it.
    #[error("a drill needs a node that runs, and was not sent")]
    NoNode(#[from] ClientError),
    /// The node refused it.
    #[error("the drill was not taken")]
    NotTaken(#[from] DeliverError),
}

/// Sends a drill through the node of this machine. Returns once it is counted.
///
/// # Errors
/// When no node answers, or it does not take the drill.
pub async fn simulate(config: &Config, drill: Drill) -> Result<Simulated, SimulateError> {
    let status = Client::new(&config.status.socket).get("/v1/status").await?;
    let raw = drill.raw();
    let error_type = raw.error_type.clone();
    let delivered = deliver::report(config, raw).await?;
    Ok(Simulated { delivered, error_type, files_issues: status["auto"]["issue"] == Value::Bool(true) })
}

/// An error as it would be.
struct Script {
    error_type: &'static str,
    message: &'static str,
    stack: &'static str,
    logs: &'static [&'static str],
}

const PANIC: Script = Script {
    error_type: "panic",
    message: "index out of bounds: the len is 3 but the index is 7",
    stack: "thread 'main' panicked at src/drill/basket.rs:41:22:
index out of bounds: the len is 3 but the index is 7
stack backtrace:
   0: rust_begin_unwind
             at /rustc/59807616e1a8/library/std/src/panicking.rs:689:5
   1: core::panicking::panic_fmt
             at /rustc/59807616e1a8/library/core/src/panicking.rs:80:14
   2: core::panicking::panic_bounds_check
             at /rustc/59807616e1a8/library/core/src/panicking.rs:271:5
   3: shop::drill::basket::price_of
             at ./src/drill/basket.rs:41:22
   4: shop::drill::checkout::total
             at ./src/drill/checkout.rs:88:18
   5: shop::main
             at ./src/main.rs:12:5
",
    logs: &["INFO shop: listening on 127.0.0.1:8080", "INFO shop::checkout: basket with 3 rows", "DEBUG shop::checkout: pricing row 7"],
};

const PYTHON: Script = Script {
    error_type: "ValueError",
    message: "invalid literal for int() with base 10: 'n/a'",
    stack: "Traceback (most recent call last):
  File \"/srv/shop/drill/import_orders.py\", line 57, in <module>
    main()
  File \"/srv/shop/drill/import_orders.py\", line 49, in main
    rows = [parse_row(row) for row in reader]
  File \"/srv/shop/drill/orders.py\", line 23, in parse_row
    return Row(row[0], quantity=parse_quantity(row[2]))
  File \"/srv/shop/drill/orders.py\", line 14, in parse_quantity
    return int(text)
ValueError: invalid literal for int() with base 10: 'n/a'
",
    logs: &["INFO import_orders: reading orders.csv", "INFO import_orders: 118 rows", "WARNING import_orders: row 77 has no quantity"],
};

const NODE: Script = Script {
    error_type: "TypeError",
    message: "Cannot read properties of undefined (reading 'address')",
    stack: "TypeError: Cannot read properties of undefined (reading 'address')
    at shippingLabel (/srv/shop/drill/label.js:18:31)
    at printLabels (/srv/shop/drill/print.js:42:12)
    at process.processTicksAndRejections (node:internal/process/task_queues:105:5)
    at async main (/srv/shop/drill/index.js:9:3)
",
    logs: &["labels: 12 orders to print", "labels: order 9 has no customer"],
};

const JAVA: Script = Script {
    error_type: "java.lang.IllegalStateException",
    message: "the invoice cannot be closed",
    stack: "Exception in thread \"main\" java.lang.IllegalStateException: the invoice cannot be closed
\tat com.example.drill.Invoice.close(Invoice.java:71)
\tat com.example.drill.Billing.run(Billing.java:34)
\tat com.example.drill.Main.main(Main.java:12)
Caused by: java.lang.NullPointerException: Cannot invoke \"java.math.BigDecimal.signum()\" because \"this.total\" is null
\tat com.example.drill.Invoice.check(Invoice.java:88)
\tat com.example.drill.Invoice.close(Invoice.java:69)
\t... 2 more
",
    logs: &["INFO  Billing - closing 40 invoices", "DEBUG Invoice - closing invoice 17"],
};

const OOM: Script = Script {
    error_type: "OutOfMemory",
    message: "resize-images was killed by the system, which had run out of memory",
    stack: "",
    logs: &["resize-images: 4 workers", "resize-images: loading poster.tiff", "Killed"],
};

const SEGFAULT: Script = Script {
    error_type: "SIGSEGV",
    message: "decode was ended by SIGSEGV: invalid memory reference",
    stack: "Program received signal SIGSEGV, Segmentation fault.
#0  0x000055d0c0a1b1f4 in read_header (frame=0x0) at src/drill/frame.c:112
#1  0x000055d0c0a1b3a9 in decode_frame (input=0x55d0c1f2e2a0) at src/drill/frame.c:178
#2  0x000055d0c0a1b722 in main (argc=2, argv=0x7ffd5c1c9d18) at src/drill/main.c:40
",
    logs: &["decode: reading stream.bin", "decode: frame 3 has length 0"],
};

const TIMEOUT: Script = Script {
    error_type: "TimeoutError",
    message: "the payment service did not answer within 10 s",
    stack: "Traceback (most recent call last):
  File \"/srv/shop/drill/checkout.py\", line 66, in pay
    receipt = payments.charge(order)
  File \"/srv/shop/drill/payments.py\", line 31, in charge
    raise TimeoutError(\"the payment service did not answer within 10 s\")
TimeoutError: the payment service did not answer within 10 s
",
    logs: &["INFO checkout: order accepted", "INFO payments: POST /charges", "WARNING payments: no answer after 5 s"],
};

const HTTP: Script = Script {
    error_type: "HttpError",
    message: "GET /rates answered 503 Service Unavailable",
    stack: "HttpError: GET /rates answered 503 Service Unavailable
    at check (/srv/shop/drill/http.js:27:11)
    at async fetchRates (/srv/shop/drill/rates.js:14:20)
    at async refresh (/srv/shop/drill/rates.js:39:17)
",
    logs: &["rates: refreshing", "rates: attempt 1 answered 503", "rates: attempt 2 answered 503"],
};

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use healnode_report::{Admission, Admitted};

    use super::*;

    #[test]
    fn every_drill_says_that_it_is_one_and_is_counted_apart() {
        let mut fingerprints = BTreeSet::new();
        for drill in Drill::ALL {
            let Admitted::Report(report) = Admission::default().admit(drill.raw(), crate::clock::wall()) else { panic!("{drill}") };
            assert!(report.error_type().starts_with("Drill: "), "{drill}");
            assert!(report.message().starts_with("only a drill, nothing failed: "), "{drill}");
            assert_eq!((report.tags()["drill"].as_str(), report.environment()), ("true", Some("drill")), "{drill}");
            assert_eq!(report.severity(), Severity::Critical, "{drill}");
            fingerprints.insert(report.fingerprint());
            let mut real = drill.raw();
            real.error_type = drill.script().error_type.to_owned();
            let Admitted::Report(real) = Admission::default().admit(real, crate::clock::wall()) else { panic!("{drill}") };
            assert_ne!(report.fingerprint(), real.fingerprint(), "{drill}");
        }
        assert_eq!(fingerprints.len(), Drill::ALL.len());
    }

    #[test]
    fn the_frames_of_a_drill_group_it() {
        for drill in Drill::ALL.into_iter().filter(|drill| *drill != Drill::Oom) {
            let frames = healnode_report::in_app_frames(drill.script().stack);
            assert!(frames.len() >= 2, "{drill}: {frames:?}");
        }
    }

    #[test]
    fn names_are_read_as_they_are_written() {
        for drill in Drill::ALL {
            assert_eq!(drill.to_string().parse(), Ok(drill));
            assert!(DrillFormatError.to_string().contains(drill.as_str()));
        }
        assert!("pyhton".parse::<Drill>().is_err());
    }
}
