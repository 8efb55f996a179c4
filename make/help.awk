# Prints the targets of the makefiles by section. A section is a line `##@ TITLE`, a target a line `NAME: ... ## TEXT`.

/^##@ / {
    printf "\n%s\n", substr($0, 5)
}

/^[a-z][a-z-]*:.*## / {
    name = text = $0
    sub(/:.*/, "", name)
    sub(/.*## /, "", text)
    printf "  make %-21s %s\n", name, text
}
