// The section of what was removed.

export const en = {
  trash_what:
    "Deleted files stay here for {0} and can be restored, at any node. Then they are gone for good.",
  trash_none_kept: "This cluster keeps no trash: what is deleted is gone. Whoever runs it can start its nodes with “--trash 7d”.",
  trash_empty: "Nothing is in the trash.",
  trash_loading: "Looking into the trash…",
  trash_removed: "deleted {0}",
  trash_gone: "gone for good in {0}",
  trash_gone_at: "It is gone for good on {0}.",
  restore: "Restore",
  restored: "{0} is back among the files.",
  restore_taken: "There is a file called {0} again, and it is kept. Delete that one first, then restore this one.",
  for_good: "Delete for good",
  for_good_ask: "Delete {0} for good? Nothing brings it back after that.",
  for_good_no: "Keep it here",
  for_good_done: "{0} is gone for good.",
  trash_next: "Deleted earlier",
  trash_first: "The latest",
  trash_pages: "Pages of the trash",
};

export const es: Record<keyof typeof en, string> = {
  trash_what:
    "Los archivos borrados se quedan aquí {0} y se pueden recuperar, en cualquier nodo. Después desaparecen para siempre.",
  trash_none_kept: "Este clúster no tiene papelera: lo que se borra desaparece. Quien lo administra puede iniciar sus nodos con «--trash 7d».",
  trash_empty: "La papelera está vacía.",
  trash_loading: "Mirando la papelera…",
  trash_removed: "borrado: {0}",
  trash_gone: "desaparece en {0}",
  trash_gone_at: "Desaparece para siempre el {0}.",
  restore: "Recuperar",
  restored: "{0} vuelve a estar entre los archivos.",
  restore_taken: "Ya hay otra vez un archivo {0}, y se conserva. Borre ese primero y recupere este después.",
  for_good: "Borrar para siempre",
  for_good_ask: "¿Borrar {0} para siempre? Después nada lo recupera.",
  for_good_no: "Dejarlo aquí",
  for_good_done: "{0} desapareció para siempre.",
  trash_next: "Borrados antes",
  trash_first: "Los últimos",
  trash_pages: "Páginas de la papelera",
};
