/** A point as a profile has it: by the keys of the configuration, times in milliseconds; what is left out has its default. */
export type ProfilePoint = Readonly<Record<string, string | number | boolean>>
