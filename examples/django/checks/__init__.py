"""An application that asks the DCS."""
