// Everything here quickens pages that already work without it.
import { onReady } from "./dom.js";
import "./connection.js";
import { setUpCopying } from "./copy.js";
import { setUpDialogs } from "./dialogs.js";
import { setUpFocus } from "./focus.js";
import { setUpForms } from "./forms.js";
import { setUpPalette } from "./palette.js";
import { setUpShortcuts } from "./shortcuts.js";
import { setUpTheme } from "./theme.js";
import { setUpTimes } from "./times.js";
import { setUpToasts } from "./toasts.js";

setUpDialogs();
setUpFocus();
setUpForms();
setUpPalette();
setUpShortcuts();
setUpTheme();
setUpTimes();
onReady(setUpCopying);
onReady(setUpToasts);
