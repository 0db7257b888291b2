// Dialogs above the list, which come when one is first wanted.
export {Access} from "../access/dialog";
export {Preview} from "./preview";
export {Share} from "./share";
export {Conflict} from "../uploads/conflict";
