export const insufficientPrivilege = '42501';
export const databaseDoesNotExist = '3D000';
