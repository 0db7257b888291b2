export const en = {
  player: "Player",
  close: "Close",
  served_by: "Served by {0}",
  switched: "moved from {0} ({1})",
  reason_closed: "it went away",
  reason_quiet: "it went quiet",
  reason_refused: "it no longer has it",
  buffering: "Loading…",
  cannot_play: "This browser cannot play {0}. Download it and open it with a player such as VLC.",
  play_failed: "{0} could not be played: {1}",
};

export const es: Record<keyof typeof en, string> = {
  player: "Reproductor",
  close: "Cerrar",
  served_by: "Servido por {0}",
  switched: "viene de {0} ({1})",
  reason_closed: "se fue",
  reason_quiet: "quedó en silencio",
  reason_refused: "ya no lo tiene",
  buffering: "Cargando…",
  cannot_play: "Este navegador no puede reproducir {0}. Descárguelo y ábralo con VLC, por ejemplo.",
  play_failed: "No se pudo reproducir {0}: {1}",
};
