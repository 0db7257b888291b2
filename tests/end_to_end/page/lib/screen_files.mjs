// What people would keep in a cluster, made by ffmpeg and by hand.
import {randomBytes} from "node:crypto";
import {mkdirSync, readFileSync, writeFileSync} from "node:fs";
import {join} from "node:path";
import {ffmpeg} from "./media.mjs";

export const film = "Oaxaca, road trip.mp4";
export const picture = "Vacaciones/La sierra al amanecer.jpg";
export const text = "Receta de mole negro.md";

const recipe = `# Mole negro de la abuela Chayo

Para doce personas. Se empieza un día antes.

## Chiles
- 14 chilhuacles negros
- 10 mulatos, 6 pasillas mexicanos
- las semillas de todos, tostadas hasta que humeen

## Lo demás
| qué | cuánto |
|---|---|
| jitomate asado | 500 g |
| miltomate | 250 g |
| ajonjolí, almendra, cacahuate, nuez | 100 g de cada uno |
| chocolate de metate | 2 tablillas |

1. Tostar los chiles con cuidado: un minuto de más y amarga.
2. Remojarlos media hora en agua caliente.
3. Moler todo por partes y freír en manteca, sin dejar de mover.
4. Aguar con caldo hasta que nape la cuchara.

> "El mole no se apura." — la abuela
`;

// Their paths by their names.
export function makeFiles(folder) {
  const made = {};
  const place = (name) => (made[name] = join(folder, `${Object.keys(made).length}`));
  const draw = (name, source, format = "mjpeg") =>
    ffmpeg(["-f", "lavfi", "-i", source, "-frames:v", 1, "-f", format, "-y", place(name)]);
  const write = (name, body) => writeFileSync(place(name), body);
  mkdirSync(folder, {recursive: true});
  filmed(folder, place(film));
  draw(picture, "gradients=s=1600x1000:c0=#2b1d52:c1=#f2a65a:c2=#d9576b:n=3:x0=700:y0=0:x1=900:y1=1000:speed=0.00001");
  draw("Vacaciones/Hierve el Agua.jpg", "gradients=s=1200x900:c0=#0a7283:c1=#e8f2c9:n=2:x0=500:y0=0:x1=700:y1=900:speed=0.00001");
  draw("Mandelbrot poster A2.png", "mandelbrot=s=900x600", "apng");
  write(text, recipe);
  write("budget 2027.csv", "month,rent,food\njanuary,9800,4200\nfebruary,9800,3900\n".repeat(400));
  write("Tesis – borrador final (3).pdf", randomBytes(2_400_000));
  write("Fotos de la boda de Ana y Luis, todas.zip", randomBytes(6_300_000));
  write("backups/laptop 2026-11-20.tar.gz", randomBytes(9_100_000));
  const tone = ["-t", 45, "-f", "lavfi", "-i", "sine=frequency=220:sample_rate=44100"];
  ffmpeg([...tone, "-f", "mp3", "-y", place("Entrevista con la abuela.mp3")]);
  write("letter to the landlord.txt", "Dear Ms. Ortega,\n\nthe boiler is making that noise again.\n");
  return made;
}

// A minute and a half with a real picture that changes all the time.
function filmed(folder, path) {
  const part = join(folder, "part.mp4");
  const zoom = "mandelbrot=s=854x480:rate=24:end_scale=0.002:end_pts=260,hue=h=200";
  const [seconds, rate] = [8, "3M"];
  ffmpeg([
    ...["-t", seconds, "-f", "lavfi", "-i", zoom, "-t", seconds, "-f", "lavfi", "-i", "sine=frequency=330"],
    ...["-c:v", "libx264", "-preset", "ultrafast", "-pix_fmt", "yuv420p", "-g", 48, "-b:v", rate, "-maxrate", rate],
    ...["-minrate", rate, "-bufsize", "1M", "-x264-params", "nal-hrd=cbr", "-c:a", "aac", "-y", part],
  ]);
  const options = ["-c", "copy", "-movflags", "+faststart", "-f", "mp4", "-y"];
  ffmpeg(["-stream_loop", 11, "-i", part, ...options, path]);
}

export async function putFiles({cluster}, made) {
  const [node] = cluster.nodes();
  for (const [name, path] of Object.entries(made)) {
    const address = `${node.url}/files/${encodeURIComponent(name)}`;
    const answer = await fetch(address, {method: "PUT", body: readFileSync(path)});
    if (!answer.ok) throw new Error(`PUT ${name}: ${answer.status}`);
  }
}
