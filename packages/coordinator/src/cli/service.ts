export const serviceCommands = [];
