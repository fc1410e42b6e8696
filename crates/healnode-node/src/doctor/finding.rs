//! What was found, for people and for scripts. The field names are a contract.

use serde::ser::SerializeStruct as _;
use serde::{Serialize, Serializer};

/// Everything that was found.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Diagnosis {
    /// By area.
    pub findings: Vec<Finding>,
}

/// One thing that was looked at.
#[derive(Clone, PartialEq, Eq, Debug, Serialize)]
pub struct Finding {
    /// What it belongs to.
    pub area: Area,
    /// How it is.
    pub level: Level,
    /// What was found, in sentences.
    pub what: String,
    /// What to do about it, in sentences; nothing when all is well.
    pub mend: Option<String>,
}

/// How something is, from good to bad.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Level {
    /// As it should be.
    Ok,
    /// The node works, but not as somebody may expect, or not for long.
    Warning,
    /// Something that the configuration asks for does not work.
    Error,
}

/// A part of a node's surroundings.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Area {
    /// Settings.
    Configuration,
    /// The node's key.
    Identity,
    /// The data directory, the store in it and its disk.
    Store,
    /// The status socket and whoever answers there.
    Socket,
    /// The other nodes.
    Mesh,
    /// Where issues go.
    Forge,
    /// What opens GitHub.
    Token,
    /// What keeps two halves of a mesh from filing the same.
    Lease,
    /// The time of day.
    Clock,
    /// What stands between healnode and the network.
    Proxy,
    /// How applications deliver, and what keeps them from it.
    Ingest,
    /// Who looks for fixes, and what that takes.
    Fix,
}

impl Diagnosis {
    /// Returns the worst level of all.
    pub fn overall(&self) -> Level {
        self.findings.iter().map(|finding| finding.level).max().unwrap_or(Level::Ok)
    }
}

impl Serialize for Diagnosis {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut diagnosis = serializer.serialize_struct("Diagnosis", 2)?;
        diagnosis.serialize_field("overall", &self.overall())?;
        diagnosis.serialize_field("findings", &self.findings)?;
        diagnosis.end()
    }
}

impl Finding {
    /// Something is as it should be.
    pub(super) fn ok(area: Area, what: impl Into<String>) -> Self {
        Self { area, level: Level::Ok, what: what.into(), mend: None }
    }

    /// Something should be looked at.
    pub(super) fn warning(area: Area, what: impl Into<String>, mend: impl Into<String>) -> Self {
        Self { area, level: Level::Warning, what: what.into(), mend: Some(mend.into()) }
    }

    /// Something is broken.
    pub(super) fn error(area: Area, what: impl Into<String>, mend: impl Into<String>) -> Self {
        Self { area, level: Level::Error, what: what.into(), mend: Some(mend.into()) }
    }
}

/// Checks findings against their levels and a part of each sentence, in order.
#[cfg(test)]
pub(super) fn check(findings: &[Finding], expected: &[(Level, &str)]) {
    let fits = |(finding, (level, part)): (&Finding, &(Level, &str))| {
        let text = format!("{} {}", finding.what, finding.mend.as_deref().unwrap_or_default());
        finding.level == *level && text.contains(part)
    };
    assert!(findings.len() == expected.len() && findings.iter().zip(expected).all(fits), "{findings:#?}\n  expected {expected:?}");
    for finding in findings {
        assert_eq!(finding.mend.is_none(), finding.level == Level::Ok, "what is not well says how to mend it: {finding:?}");
        let sentences = std::iter::once(&finding.what).chain(&finding.mend);
        assert!(sentences.into_iter().all(|text| text.ends_with('.')), "sentences: {finding:?}");
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_worst_finding_decides() {
        let ok = Finding::ok(Area::Store, "Fine.");
        let warning = Finding::warning(Area::Mesh, "Alone.", "Join.");
        let error = Finding::error(Area::Token, "Refused.", "Make another.");
        let overall = |findings: &[&Finding]| Diagnosis { findings: findings.iter().map(|finding| (*finding).clone()).collect() }.overall();
        assert_eq!(overall(&[]), Level::Ok);
        assert_eq!(overall(&[&ok, &warning]), Level::Warning);
        assert_eq!(overall(&[&error, &warning, &ok]), Level::Error);
    }

    #[test]
    fn the_json_has_its_field_names() {
        let findings = vec![Finding::ok(Area::Store, "Fine."), Finding::warning(Area::Mesh, "Alone.", "Join.")];
        assert_eq!(
            serde_json::to_value(Diagnosis { findings }).unwrap(),
            serde_json::json!({ "overall": "warning", "findings": [
                { "area": "store", "level": "ok", "what": "Fine.", "mend": null },
                { "area": "mesh", "level": "warning", "what": "Alone.", "mend": "Join." },
            ] })
        );
    }
}
