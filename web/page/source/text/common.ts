export const en = {
  title: "chisme",
  connected: "Connected to {0}",
  connecting: "Looking for a node that answers…",
  moved: "{0} stopped answering. Now at {1}.",
  seconds: "{0} s",
  minutes: "{0} min",
  error_unreachable: "No node of the cluster answers. Check that one is running.",
  error_status: "The node refused ({0}). Try again.",
};

export const es: Record<keyof typeof en, string> = {
  title: "chisme",
  connected: "Conectado a {0}",
  connecting: "Buscando un nodo que responda…",
  moved: "{0} dejó de responder. Ahora en {1}.",
  seconds: "{0} s",
  minutes: "{0} min",
  error_unreachable: "Ningún nodo del clúster responde. Compruebe que haya uno en marcha.",
  error_status: "El nodo rechazó la petición ({0}). Inténtelo de nuevo.",
};
