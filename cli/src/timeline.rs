//! The time of each phase of a call, as bars.

use std::time::Duration;

use crate::format::duration;

/// Length of the longest bar, in characters.
const WIDTH: usize = 40;

/// Returns a line for each phase, whose bar starts where the previous one ends, and a line with the total.
pub fn timeline(phases: &[(&str, Duration)], total: Duration) -> String {
    let column = |time: Duration| {
        let share = time.as_secs_f64() / total.as_secs_f64().max(f64::MIN_POSITIVE);
        // Between 0 and WIDTH: a phase is a part of the whole.
        #[allow(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            clippy::cast_precision_loss
        )]
        let column = (share.min(1.0) * WIDTH as f64).round() as usize;
        column
    };
    let mut text = String::new();
    let mut elapsed = Duration::ZERO;
    for (name, time) in phases {
        let start = column(elapsed).min(WIDTH - 1);
        elapsed += *time;
        let length = column(elapsed).saturating_sub(start).max(1);
        let line = format!(
            "  {name:<11}{:>10}  {}{}",
            duration(*time),
            " ".repeat(start),
            "#".repeat(length)
        );
        text += &line;
        text.push('\n');
    }
    text += &format!("  {:<11}{:>10}\n", "total", duration(total));
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn phases_follow_one_another() {
        let ms = Duration::from_millis;
        let text = timeline(&[("DNS", ms(10)), ("TCP", ms(0)), ("TLS", ms(30))], ms(40));
        assert_eq!(
            text,
            format!(
                "  DNS           10.0 ms  ##########\n\
                 \x20 TCP              0 us            #\n\
                 \x20 TLS           30.0 ms            {}\n\
                 \x20 total         40.0 ms\n",
                "#".repeat(30)
            )
        );
        assert!(timeline(&[("DNS", ms(0))], ms(0)).contains('#'));
    }
}
