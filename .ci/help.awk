# Prints the targets of a Makefile with the words after their ##; `english=1` chooses the second of the two languages.
/^[a-z][a-z%-]*:.* ## / {
    target = $0
    sub(/:.*/, "", target)
    sub(/%/, "N", target)
    words = $0
    sub(/^.* ## /, "", words)
    split(words, language, " [|] ")
    printf "  make %-12s %s\n", target, language[english + 1]
}
