// What the browser keeps for this page; without storage it lasts as long as the page.

export function safeStorage(): Storage | undefined {
  try {
    return globalThis.localStorage;
  } catch {
    return undefined;
  }
}

// Until the tab is closed.
export function tabStorage(): Storage | undefined {
  try {
    return globalThis.sessionStorage;
  } catch {
    return undefined;
  }
}

export function recall(key: string): string | undefined {
  try {
    return safeStorage()?.getItem(key) ?? undefined;
  } catch {
    return undefined;
  }
}

export function remember(key: string, value: string): void {
  try {
    safeStorage()?.setItem(key, value);
  } catch {
    // It is chosen again next time.
  }
}
