//! The time of day on this machine, against GitHub's.

use super::{Area, Finding};

/// How far a clock may be off, in seconds. GitHub tells whole seconds and its answer takes some; from here on people notice.
const OFF_S_MAX: u64 = 60;

/// `ahead_s`: how far this machine is ahead, negative when behind; nothing when there is no clock to compare with.
pub(super) fn judge(ahead_s: Option<i64>) -> Option<Finding> {
    let ahead_s = ahead_s?;
    let off_s = ahead_s.unsigned_abs();
    if off_s <= OFF_S_MAX {
        return Some(Finding::ok(Area::Clock, "This machine's clock agrees with GitHub's."));
    }
    let direction = if ahead_s > 0 { "ahead of" } else { "behind" };
    Some(Finding::warning(
        Area::Clock,
        format!(
            "This machine's clock is {} {direction} GitHub's. First and last seen are wrong on issues, nodes look for due errors at different moments, and a GitHub App cannot log in.",
            spoken(off_s)
        ),
        "Let the machine keep time: timedatectl set-ntp true, or install chrony.",
    ))
}

fn spoken(seconds: u64) -> String {
    match seconds {
        0..120 => format!("{seconds} s"),
        120..7_200 => format!("{} min", seconds / 60),
        7_200..172_800 => format!("{} h", seconds / 3_600),
        _ => format!("{} days", seconds / 86_400),
    }
}

#[cfg(test)]
mod tests {
    use super::super::Level::{Ok, Warning};
    use super::super::finding::check;
    use super::*;

    #[test]
    fn a_clock_may_be_off_by_a_minute_either_way() {
        let judged = |ahead_s| judge(ahead_s).into_iter().collect::<Vec<_>>();
        check(&judged(None), &[]);
        check(&judged(Some(60)), &[(Ok, "agrees")]);
        check(&judged(Some(-60)), &[(Ok, "agrees")]);
        check(&judged(Some(61)), &[(Warning, "61 s ahead of GitHub's")]);
        check(&judged(Some(-7_200)), &[(Warning, "2 h behind GitHub's")]);
        check(&judged(Some(i64::MIN)), &[(Warning, "days behind")]);
    }
}
