/** The memory meter: numbers at the top of the page, and a panel with what they are made of. */

import { byId } from "./dom.js";
import { live } from "./events.js";
import { bytes, label, say } from "./i18n.js";
import { History, MemoryPicture } from "./memory_picture.js";

const FAR = 4; // a machine of so many lines is not the VM that the line is drawn for
const BACK_UNDER = 0.97; // memory that trembles at the line is not told of each second

const history = new History();
const small = new MemoryPicture(byId("meter-small"));
const large = new MemoryPicture(byId("meter-picture"), { named: true });
const panel = byId("meter-panel");
let last = null;
let isOver = false;
let isGone = false;

/** Show what the server tells of its memory, each second. */
export function installMeter() {
  const button = byId("meter-button");
  const open = (isOpen) => {
    panel.hidden = !isOpen;
    button.setAttribute("aria-expanded", String(isOpen));
    if (isOpen && last) showPanel(last);
  };
  button.addEventListener("click", () => open(panel.hidden));
  byId("meter").addEventListener("keydown", (event) => {
    if (event.key !== "Escape" || panel.hidden) return;
    event.stopPropagation();
    open(false);
    button.focus();
  });
  live.subscribe((state) => (state ? show(state.memory) : showGone()));
}

/** A VM of 4,096 MB is called 4 GB by whoever sells it: memory is counted in powers of two, by the usual names. */
const shown = (count) => bytes(count >= 2 ** 30 ? (count / 2 ** 30) * 1e9 : (count / 2 ** 20) * 1e6);

/**
 * Return what is held against the line: the VM's use, or on a large machine, where much else runs, that of the server and
 * its children.
 */
function held({ vmBytes, vmLimitBytes, vmSource, lineBytes, serverBytes, childrenBytes }) {
  const isVm = vmLimitBytes !== null && (vmSource === "cgroup" || vmLimitBytes <= FAR * lineBytes);
  return isVm
    ? { used: vmBytes, limit: vmLimitBytes, ending: "" }
    : { used: serverBytes + childrenBytes, limit: null, ending: "_tree" };
}

function show(memory) {
  last = memory;
  if (isGone) say(byId("meter-said"), "meter.back");
  isGone = false;
  const { vmBytes, vmLimitBytes: limit, serverBytes, lineBytes: line, alignersInFlight, alignersWaiting } = memory;
  const { used, limit: drawnLimit, ending } = held(memory);
  history.add({ usedBytes: used, serverBytes }, performance.now() / 1000);
  say(byId("meter-vm"), limit === null ? "meter.amount" : "meter.of", { used: shown(vmBytes), limit: limit && shown(limit) });
  say(byId("meter-server"), "meter.amount", { used: shown(serverBytes) });
  const aligners = { count: alignersInFlight, waiting: alignersWaiting };
  say(byId("meter-aligners"), alignersWaiting ? "meter.working_waiting" : "meter.working", aligners);
  small.draw(history, { line, limit: drawnLimit, shown });
  showState(used, line, ending);
  if (!panel.hidden) showPanel(memory);
}

function showState(used, line, ending) {
  const was = isOver;
  isOver = used >= (was ? line * BACK_UNDER : line);
  byId("meter").dataset.state = isOver ? "over" : "under";
  const warning = byId("meter-over");
  warning.hidden = !isOver;
  say(warning.lastElementChild, "meter.over_short", { line: shown(line) });
  if (isOver !== was) say(byId("meter-said"), (isOver ? "meter.over" : "meter.back_under") + ending, { line: shown(line) });
}

function showPanel(memory) {
  const { vmBytes, vmLimitBytes: limit, vmSource, serverBytes, childrenBytes, children, lineBytes: line } = memory;
  say(byId("meter-panel-vm"), "meter.amount", { used: shown(vmBytes) });
  say(byId("meter-panel-server"), "meter.amount", { used: shown(serverBytes) });
  say(byId("meter-panel-children"), children ? "meter.children_of" : "meter.working", { count: children, used: shown(childrenBytes) });
  say(byId("meter-panel-limit"), limit === null ? "meter.no_limit" : `meter.limit_${vmSource}`, { limit: limit && shown(limit) });
  say(byId("meter-panel-aligners"), "meter.working", { count: memory.alignersInFlight });
  say(byId("meter-panel-waiting"), "meter.working", { count: memory.alignersWaiting });
  const { used, limit: drawnLimit, ending } = held(memory);
  const verdict = isGone ? "meter.gone_long" : (isOver ? "meter.over" : "meter.under") + ending;
  say(byId("meter-verdict"), verdict, { line: shown(line) }).classList.toggle("wrong", isGone || isOver);
  say(byId("meter-legend"), `meter.legend${ending || "_vm"}`);
  large.draw(history, { line, limit: drawnLimit, shown });
  const { least, most } = history.range;
  const values = { least: shown(least), most: shown(most), now: shown(used), line: shown(line), limit: limit && shown(limit) };
  label(byId("meter-picture"), `meter.picture${ending}`, values);
}

/** The last numbers stay, and are said to be the last. */
function showGone() {
  if (!isGone) say(byId("meter-said"), "meter.gone_long"); // once, and not at each vain try
  isGone = true;
  byId("meter").dataset.state = "gone";
  const warning = byId("meter-over");
  warning.hidden = false;
  say(warning.lastElementChild, "meter.gone");
  if (last && !panel.hidden) showPanel(last);
}
