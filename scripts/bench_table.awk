# bench_table.awk -- makes the table of the benchmarks.
#
#     awk -f bench_table.awk table.tsv raw.tsv
#
# table.tsv: the rows, in order, tab-separated: what, figure of ours, unit, beside what, figure of that, goal.
#   unit   ns, us, per_s, bytes, share: how the figure is printed (it is in ns, 1/s, bytes as measured)
#   goal   "value <= 500" (ns), "ratio <= 0.05", "ratio >= 0.6" or "-"; several with ";" between them
# raw.tsv: "figure<TAB>number" lines; the n-th line of a figure belongs to the n-th round.
BEGIN {
    FS = "\t"
    print "| What | Ours | Beside | its figure | Ratio (smallest, median, largest) | Goal | Met |"
    print "|---|---|---|---|---|---|---|"
}

FNR == NR {
    if ($0 !~ /^#/ && NF >= 6)
        rows[++row_count] = $0
    next
}

{ values[$1, ++counts[$1]] = $2 }

END {
    for (i = 1; i <= row_count; i++)
        print_row(rows[i])
}

# Sort list[1..n] in place.
function sort(list, n,    i, j, value) {
    for (i = 2; i <= n; i++) {
        value = list[i]
        for (j = i - 1; j >= 1 && list[j] > value; j--)
            list[j + 1] = list[j]
        list[j + 1] = value
    }
}

function middle(list, n) {
    return n % 2 ? list[(n + 1) / 2] : (list[n / 2] + list[n / 2 + 1]) / 2
}

function median(figure,    i, list) {
    for (i = 1; i <= counts[figure]; i++)
        list[i] = values[figure, i] + 0
    sort(list, counts[figure])
    return middle(list, counts[figure])
}

function show(value, unit) {
    if (unit == "share")
        return sprintf("%.4g", value)
    if (unit == "bytes")
        return sprintf("%.0f B", value)
    if (unit == "per_s")
        return value >= 1000 ? sprintf("%.1fk/s", value / 1000) : sprintf("%.0f/s", value)
    if (value < 10)
        return sprintf("%.1f ns", value)
    if (value < 1000)
        return sprintf("%.0f ns", value)
    return value < 1e6 ? sprintf("%.1f us", value / 1000) : sprintf("%.1f ms", value / 1e6)
}

# The sentence about one goal; sets `met`.
function judge(goal, ours, ratio,    word, limit, value) {
    split(goal, word, " ")
    limit = word[3] + 0
    value = word[1] == "value" ? ours : ratio
    met = word[2] == "<=" ? value <= limit : value >= limit
    if (met)
        return "yes"
    return sprintf("no, by %.2gx", word[2] == "<=" ? value / limit : limit / value)
}

function print_row(row,    part, n, i, ratio_count, ratios, ours, theirs, ratio, goal, goals, verdict) {
    split(row, part, "\t")
    if (!counts[part[2]])
        return
    ours = median(part[2])
    ratio = ""
    ratio_count = 0
    theirs = "-"
    if (part[5] != "-" && counts[part[5]]) {
        n = counts[part[2]] < counts[part[5]] ? counts[part[2]] : counts[part[5]]
        ratio_count = n
        for (i = 1; i <= n; i++)
            ratios[i] = values[part[2], i] / values[part[5], i]
        sort(ratios, n)
        ratio = middle(ratios, n)
        theirs = show(median(part[5]), part[3])
    }
    verdict = ""
    n = split(part[6], goals, "; *")
    for (i = 1; i <= n && part[6] != "-"; i++)
        if (goals[i] ~ /^value/ || ratio != "")
            verdict = verdict (verdict == "" ? "" : "; ") judge(goals[i], ours, ratio)
    printf "| %s | %s | %s | %s | %s | %s | %s |\n", part[1], show(ours, part[3]), part[4], theirs,
        ratio == "" ? "-" : sprintf("%.3g, **%.3g**, %.3g", ratios[1], ratio, ratios[ratio_count]),
        describe(part[6], part[3]), verdict == "" ? "-" : verdict
}

# "value <= 500" as a reader wants it.
function describe(goals, unit,    list, n, i, word, text) {
    if (goals == "-")
        return "-"
    n = split(goals, list, "; *")
    for (i = 1; i <= n; i++) {
        split(list[i], word, " ")
        text = text (text == "" ? "" : "; ") word[2] " " (word[1] == "value" ? show(word[3] + 0, unit) : word[3])
    }
    return text
}
