"""Small line plots as SVG: panels in a row, each with its own scale, over values of any distance in equal steps."""
import html

WIDTH, HEIGHT, GAP, TOP, BOTTOM = 250, 170, 80, 60, 60
COLOURS = ("#1f77b4", "#d62728", "#2ca02c")


def text(x, y, words, *more):
    return f'<text x="{x:.1f}" y="{y:.1f}" {" ".join(more)}>{html.escape(str(words))}</text>'


def short(value):
    """3 digits, with k and M."""
    for size, unit in ((1e6, "M"), (1e3, "k")):
        if value >= size:
            return f"{value / size:.3g}{unit}"
    return f"{value:.3g}"


def panel(left, title, steps, lines):
    """`lines`: name -> a value for each of `steps`, or None."""
    most = max(value for line in lines.values() for value in line if value is not None) or 1
    x = [left + (at + 0.5) * WIDTH / len(steps) for at in range(len(steps))]
    base = TOP + HEIGHT
    parts = [text(left, TOP - 14, title, 'font-weight="bold"')]
    for share in (0, 0.5, 1):
        y = base - share * HEIGHT
        parts.append(f'<line x1="{left}" x2="{left + WIDTH}" y1="{y:.1f}" y2="{y:.1f}" stroke="#ddd"/>')
        parts.append(text(left - 5, y + 4, short(share * most), 'text-anchor="end"'))
    for at, step in zip(x, steps):
        parts.append(text(at, base + 16, short(step), 'text-anchor="middle"'))
    for number, (name, line) in enumerate(lines.items()):
        points = [(at, base - value / most * HEIGHT) for at, value in zip(x, line) if value is not None]
        colour = COLOURS[number % len(COLOURS)]
        drawn = " ".join(f"{at:.1f},{y:.1f}" for at, y in points)
        parts.append(f'<polyline fill="none" stroke="{colour}" stroke-width="2" points="{drawn}"/>')
        parts += [f'<circle cx="{at:.1f}" cy="{y:.1f}" r="3" fill="{colour}"/>' for at, y in points]
        parts.append(text(left + number * WIDTH / len(lines), base + 36, name, f'fill="{colour}"'))
    return "\n".join(parts)


def write(path, title, panels):
    """`panels`: (title, steps, lines) each."""
    width = GAP + len(panels) * (WIDTH + GAP)
    height = TOP + HEIGHT + BOTTOM
    drawn = "\n".join(panel(GAP + number * (WIDTH + GAP), *one) for number, one in enumerate(panels))
    path.write_text(f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" font-family="sans-serif" '
                    f'font-size="12" fill="#222">\n<rect width="{width}" height="{height}" fill="#fff"/>\n'
                    f'{text(GAP, 24, title, "font-size=" + chr(34) + "15" + chr(34))}\n{drawn}\n</svg>\n')
