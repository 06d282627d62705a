export const insufficientPrivilege = '42501';
export const queryCanceled = '57014';
export const databaseDoesNotExist = '3D000';
