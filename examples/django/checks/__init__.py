"""An application that calls the DCS."""
