// Writes the console's keys as JSON, for the list in the operator's guides: how they are written,
// and the action.

import { KEYS, keyText } from "../../bridge/web/console/keys.js";

process.stdout.write(JSON.stringify(KEYS.map((binding) => [keyText(binding), binding.action])));
