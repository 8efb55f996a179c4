//! Damage that files suffer on their way, and that the library repairs.

/// Damage to a file on its way, which the library repairs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Repair {
    ByteOrderMark,
    EscapedLineEnds,
    LostLineEnds,
    Quoted,
    Indented,
    DoubleBase64,
}

impl Repair {
    /// Describes the damage, as the end of a sentence that starts with "The file".
    pub(crate) fn description(self) -> &'static str {
        match self {
            Repair::ByteOrderMark => "begins with a byte-order mark",
            Repair::EscapedLineEnds => "has line ends that are written out as \\n",
            Repair::LostLineEnds => "has lost its line ends",
            Repair::Quoted => "has quotes or other text around its lines",
            Repair::Indented => "has indented lines",
            Repair::DoubleBase64 => "is PEM that was encoded in base64 again",
        }
    }
}
