//! What an operator adds to the built-in rules by which an error becomes a report.
//!
//! It is settled once, when the report is captured: what a rule decided goes with the report, so that every node that reads it later gives it
//! the same fingerprint, whatever its own rules are.

use crate::fingerprint::{Algorithms, Explanation, Fingerprint};
use crate::grouping::Rule;
use crate::limits::LOG_LINES_MAX;
use crate::raw::RawError;
use crate::redact::Redactor;
use crate::report::{Report, explain};
use crate::time::UnixMillis;

/// How errors are admitted on a node.
#[derive(Clone, Debug)]
pub struct Admission {
    /// The versions of the algorithm that are computed.
    pub algorithms: Algorithms,
    /// The built-in rules on secrets, and the operator's.
    pub redactor: Redactor,
    /// The operator's rules on grouping, in the order in which they are asked.
    pub rules: Vec<Rule>,
    /// Log lines that are kept with an error, the last ones; no more than [`LOG_LINES_MAX`] in any case.
    pub log_lines_max: usize,
}

/// The built-in rules alone, and as many log lines as may be.
impl Default for Admission {
    fn default() -> Self {
        Self { algorithms: Algorithms::default(), redactor: Redactor::default(), rules: Vec::new(), log_lines_max: LOG_LINES_MAX }
    }
}

/// What became of an error.
#[derive(Clone, PartialEq, Debug)]
pub enum Admitted {
    /// It is a report.
    Report(Box<Report>),
    /// A rule leaves it out.
    Ignored {
        /// What it would have been counted as.
        fingerprint: Fingerprint,
        /// The rule's number, from 1.
        rule: usize,
    },
}

impl Admission {
    /// Admits an error: redacts, clips, asks the rules, fingerprints. `now` is its time if it carries none.
    pub fn admit(&self, raw: RawError, now: UnixMillis) -> Admitted {
        let report = Report::admit(raw, now, self);
        match report.explanation().ignored_by {
            Some(rule) => Admitted::Ignored { fingerprint: report.fingerprint(), rule },
            None => Admitted::Report(Box::new(report)),
        }
    }

    /// Fingerprints an error as [`admit`](Admission::admit) does, without making a report of it.
    pub fn explain(&self, raw: &RawError) -> Explanation {
        explain(raw, self)
    }

    /// Admits an error that was a report before, on this node or on another: by whatever rule it was let in, it stays.
    pub fn readmit(&self, raw: RawError, now: UnixMillis) -> Report {
        Report::admit(raw, now, &Admission { rules: Vec::new(), ..self.clone() })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::grouping::{Action, Glob};
    use crate::severity::Severity;

    const TRACE: &str = "Traceback (most recent call last):\n  File \"/srv/app/main.py\", line 3, in main\n    run()\n  \
                         File \"/srv/app/shared/retry.py\", line 9, in retry\n    raise\nValueError: no";

    fn rule(message: Option<&str>, path: Option<&str>, action: Action) -> Rule {
        Rule { error_type: None, message: message.map(Glob::new), path: path.map(Glob::new), action }
    }

    fn admit(rules: Vec<Rule>, message: &str) -> Admitted {
        let mut raw = RawError::new("ValueError", message);
        raw.stack = Some(TRACE.to_owned());
        Admission { rules, ..Admission::default() }.admit(raw, UnixMillis(0))
    }

    fn report(admitted: Admitted) -> Report {
        match admitted {
            Admitted::Report(report) => *report,
            Admitted::Ignored { rule, .. } => panic!("rule {rule} left it out"),
        }
    }

    /// The report as another node reads it, which has no rules.
    fn elsewhere(report: &Report) -> Report {
        let json = serde_json::to_string(report).unwrap();
        Report::new(RawError::from_json(&json).unwrap(), UnixMillis(0))
    }

    #[test]
    fn a_rule_leaves_an_error_out_and_says_which_it_was() {
        let ignore = rule(Some("*cancelled*"), None, Action::Ignore);
        assert!(matches!(admit(vec![ignore.clone()], "the job was cancelled by its owner"), Admitted::Ignored { rule: 1, .. }));
        assert!(matches!(admit(vec![ignore], "the job failed"), Admitted::Report(_)));
    }

    #[test]
    fn a_rule_makes_errors_the_same_and_every_other_node_agrees() {
        let parts = vec!["checkout".to_owned(), "{{ type }}".to_owned()];
        let rules = vec![rule(Some("*cart*"), None, Action::Fingerprint(parts))];
        let one = report(admit(rules.clone(), "the cart is empty"));
        let other = report(admit(rules, "no cart there"));
        assert_eq!(one.fingerprint(), other.fingerprint());
        assert_eq!(one.explanation().parts, ["checkout", "ValueError"]);
        assert_eq!(elsewhere(&one).fingerprint(), one.fingerprint());
    }

    #[test]
    fn a_rule_that_says_whose_code_it_is_moves_the_frames_and_every_other_node_agrees() {
        let plain = report(admit(Vec::new(), "no"));
        let moved = report(admit(vec![rule(None, Some("*/shared/*"), Action::InApp(false))], "no"));
        assert_eq!(plain.explanation().frames, ["retry.py:retry", "main.py:main"]);
        assert_eq!(moved.explanation().frames, ["main.py:main"]);
        assert_eq!(elsewhere(&moved), moved);
        let none = report(admit(vec![rule(None, Some("*"), Action::InApp(false))], "no"));
        assert_eq!(elsewhere(&none).explanation().frames, Vec::<String>::new());
    }

    #[test]
    fn as_many_log_lines_are_kept_as_the_operator_wants_and_the_error_stays_the_same() {
        let mut raw = RawError::new("ValueError", "no");
        raw.logs = (0..60).map(|line| format!("line {line}")).collect();
        let whole = Report::new(raw.clone(), UnixMillis(0));
        assert_eq!((whole.logs().len(), whole.logs()[0].as_str()), (50, "line 10"));
        for (wanted, kept) in [(0, &[][..]), (2, &["line 58", "line 59"]), (60, &[])] {
            let report = Admission { log_lines_max: wanted, ..Admission::default() }.readmit(raw.clone(), UnixMillis(0));
            assert_eq!(report.fingerprint(), whole.fingerprint());
            assert_eq!(
                report.logs(),
                if wanted == 60 { whole.logs().to_vec() } else { kept.iter().map(|line| (*line).to_owned()).collect() }
            );
        }
    }

    #[test]
    fn a_rule_on_severity_overrides_the_type_and_the_application_and_leaves_the_rest_to_other_rules() {
        let to = |severity| rule(Some("*cart*"), None, Action::Severity(severity));
        let rules = vec![to(Severity::Critical), to(Severity::Low), rule(None, None, Action::Fingerprint(vec!["all".to_owned()]))];
        let admission = Admission { rules, ..Admission::default() };
        let raw = RawError { severity: Some(Severity::Medium), ..RawError::new("ValueError", "the cart is empty") };
        let one = report(admission.admit(raw, UnixMillis(0)));
        assert_eq!((one.severity(), one.explanation().parts.as_slice()), (Severity::Critical, ["all".to_owned()].as_slice()));
        assert_eq!(elsewhere(&one), one);
        let other = report(admission.admit(RawError::new("ValueError", "no such thing"), UnixMillis(0)));
        assert_eq!(other.severity(), Severity::Medium);
    }

    #[test]
    fn a_place_in_the_code_is_enough_for_a_rule_and_the_first_that_fits_decides() {
        let to = |name: &str| Action::Fingerprint(vec![name.to_owned()]);
        let rules = vec![rule(None, Some("*/nowhere/*"), to("a")), rule(None, Some("*/retry.py"), to("b")), rule(None, None, to("c"))];
        assert_eq!(report(admit(rules, "no")).explanation().parts, ["b"]);
    }
}
