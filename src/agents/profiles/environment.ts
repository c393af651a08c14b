/**
 * Variables no agent may inherit: they tell of the terminal or agent the command was given in, not of the session's. A
 * program that believes them talks to a terminal that is not there, or takes itself for somebody's child.
 */
export const OUTER_TERMINAL: readonly string[] = [
  'TERM_PROGRAM',
  'TERM_PROGRAM_VERSION',
  'TERM_SESSION_ID',
  'TERMINAL_EMULATOR',
  'TERMINFO*',
  'TMUX*',
  'STY',
  'ZELLIJ*',
  'KITTY_*',
  'WEZTERM_*',
  'GHOSTTY_*',
  'ALACRITTY_*',
  'ITERM_*',
  'LC_TERMINAL*',
  'KONSOLE_*',
  'VTE_VERSION',
  'WT_SESSION',
  'VSCODE_*',
  'COLUMNS',
  'LINES',
];

/** Git's place is where the agent works, not where somebody's hook ran. */
export const OUTER_GIT: readonly string[] = ['GIT_DIR', 'GIT_WORK_TREE', 'GIT_INDEX_FILE', 'GIT_PREFIX'];

export const OUTER_AGENTS: readonly string[] = [
  'CLAUDECODE',
  'CLAUDE_CODE_ENTRYPOINT',
  'CLAUDE_CODE_SSE_PORT',
  'CLAUDE_CODE_SESSION_ID',
  'CLAUDE_CODE_CHILD_SESSION',
  'CLAUDE_PROJECT_DIR',
  'CODEX_SANDBOX*',
  'CODEX_THREAD_ID',
  'GEMINI_CLI',
  'OPENCODE',
  'OPENCODE_PID',
  'AI_AGENT',
];

export const SCRUBBED: readonly string[] = [...OUTER_TERMINAL, ...OUTER_GIT, ...OUTER_AGENTS];
