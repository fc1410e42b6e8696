//! What is in the ledger, counted by severity, by type, by node and by issue. Computed when asked for, in one pass; decides nothing.

use std::cmp::Reverse;
use std::collections::BTreeMap;

use healnode_report::Severity;

use crate::ledger::{Entry, Ledger};
use crate::limits::TYPES_SHOWN_MAX;
use crate::{CountView, IssueNumber, IssuesView, NodeId, TypeView};

/// The counts of one ledger.
pub(super) struct Statistics {
    pub(super) by_severity: BTreeMap<Severity, CountView>,
    pub(super) by_type: Vec<TypeView>,
    pub(super) other_types: CountView,
    pub(super) by_node: BTreeMap<NodeId, u64>,
    pub(super) issues: IssuesView,
}

impl Statistics {
    pub(super) fn of(ledger: &Ledger) -> Self {
        let mut by_severity: BTreeMap<Severity, CountView> =
            Severity::ALL.into_iter().map(|severity| (severity, CountView::default())).collect();
        let mut types = BTreeMap::<&str, CountView>::new();
        let mut by_node = BTreeMap::<NodeId, u64>::new();
        let mut issues = BTreeMap::<IssueNumber, bool>::new();
        for (_, entry) in ledger.entries() {
            if let Some(issue) = entry.issue() {
                *issues.entry(issue.number).or_default() |= issue.open;
            }
            let (Some(head), Some(severity)) = (entry.head(), entry.severity()) else { continue };
            let count = CountView { signatures: 1, occurrences: entry.occurrences() };
            by_severity.entry(severity).or_default().add(count);
            types.entry(&head.error_type).or_default().add(count);
            add_nodes(&mut by_node, entry);
        }
        let open = issues.values().filter(|open| **open).count();
        let (by_type, other_types) = most_seen(types);
        Self { by_severity, by_type, other_types, by_node, issues: IssuesView { open, closed: issues.len() - open } }
    }
}

fn add_nodes(by_node: &mut BTreeMap<NodeId, u64>, entry: &Entry) {
    for (node, tally) in entry.nodes() {
        let sum = by_node.entry(node).or_default();
        *sum = sum.saturating_add(tally.count);
    }
}

fn most_seen(types: BTreeMap<&str, CountView>) -> (Vec<TypeView>, CountView) {
    let mut types: Vec<(&str, CountView)> = types.into_iter().collect();
    types.sort_by_key(|(error_type, count)| (Reverse(count.occurrences), *error_type));
    let mut others = CountView::default();
    for (_, count) in types.drain(TYPES_SHOWN_MAX.min(types.len())..) {
        others.add(count);
    }
    let shown = |(error_type, count): (&str, CountView)| TypeView {
        error_type: error_type.to_owned(),
        signatures: count.signatures,
        occurrences: count.occurrences,
    };
    (types.into_iter().map(shown).collect(), others)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Body;
    use crate::statement::tests::{statement, tally};

    fn ledger(errors: &[(u8, u8, u64, &str, Severity)]) -> Ledger {
        let mut ledger = Ledger::default();
        for (seq, (origin, key, count, error_type, severity)) in (1..).zip(errors) {
            let Body::Tally { fingerprint, mut tally } = tally(*key, *count) else { unreachable!("a tally") };
            (tally.head.error_type, tally.head.severity) = ((*error_type).to_owned(), *severity);
            ledger.merge(statement(*origin, 1, seq, Body::Tally { fingerprint, tally }, 0), false);
        }
        ledger
    }

    #[test]
    fn what_is_in_the_ledger_is_counted_by_severity_type_and_node() {
        let statistics = Statistics::of(&ledger(&[
            (1, 1, 3, "KeyError", Severity::Medium),
            (2, 1, 4, "KeyError", Severity::High),
            (1, 2, 5, "KeyError", Severity::Medium),
            (1, 3, 20, "OSError", Severity::High),
        ]));
        let of = |signatures, occurrences| CountView { signatures, occurrences };
        let (medium, high) = ((Severity::Medium, of(1, 5)), (Severity::High, of(2, 27)));
        assert_eq!(statistics.by_severity, [(Severity::Low, of(0, 0)), medium, high, (Severity::Critical, of(0, 0))].into());
        let types: Vec<_> = statistics.by_type.iter().map(|view| (view.error_type.as_str(), view.signatures, view.occurrences)).collect();
        assert_eq!(types, [("OSError", 1, 20), ("KeyError", 2, 12)]);
        assert_eq!(statistics.by_node, [(NodeId::from_key([1; 32]), 28), (NodeId::from_key([2; 32]), 4)].into());
        assert_eq!((statistics.other_types, statistics.issues), (of(0, 0), IssuesView::default()));
    }

    #[test]
    fn types_beyond_the_bound_are_counted_together() {
        let names: Vec<String> = (0..=TYPES_SHOWN_MAX + 1).map(|n| format!("E{n}")).collect();
        let errors: Vec<_> = names.iter().zip(0..).map(|(name, n)| (1, n, 100 - u64::from(n), name.as_str(), Severity::Low)).collect();
        let statistics = Statistics::of(&ledger(&errors));
        assert_eq!((statistics.by_type.len(), statistics.by_type[0].error_type.as_str()), (TYPES_SHOWN_MAX, "E0"));
        assert_eq!(statistics.other_types, CountView { signatures: 2, occurrences: 80 + 79 });
    }
}
